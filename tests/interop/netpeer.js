// A peer by others: bitcoin-net over the first transport. Told where its modules are, and the node's port;
// says as JSON what it saw of the node.
'use strict';
const net = require('net');
const { createRequire } = require('module');
const load = createRequire(process.argv[2] + '/');
const { Peer } = load('bitcoin-net');

const GENESIS = Buffer.from('06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f', 'hex');
const params = { magic: 0xdab5bffa, defaultPort: 18444 };

const asked = (call) => new Promise((done, failed) => call((error, ...found) => (error ? failed(error) : done(found))));
const reversed = (bytes) => Buffer.from(bytes).reverse().toString('hex');

async function main() {
  const peer = new Peer(params, { relay: true });
  peer.on('error', (error) => {
    console.log(JSON.stringify({ failure: error.message }));
    process.exit(1);
  });
  peer.connect(net.connect(Number(process.argv[3]), '127.0.0.1'));
  await new Promise((done) => peer.once('ready', done));
  await asked((call) => peer.ping(call));
  const [headers] = await asked((call) => peer.getHeaders([GENESIS], {}, call));
  const parents = headers.slice(1).map(({ header }) => header.prevHash);
  const [blocks] = await asked((call) => peer.getBlocks(parents, {}, call));
  const announced = new Promise((done) => peer.on('inv', (items) => items.filter(({ type }) => type === 1).forEach(done)));
  console.log(JSON.stringify({ ready: true }));
  const { hash } = await announced;
  const [transactions] = await asked((call) => peer.getTransactions([hash], {}, call));
  await asked((call) => peer.ping(call));
  console.log(
    JSON.stringify({
      version: peer.version.version,
      agent: peer.version.userAgent,
      hashes: parents.map(reversed),
      coinbases: blocks.map(({ transactions: [first] }) => first.outs[0].script.toString('hex')),
      txid: reversed(hash),
      outputs: transactions[0].outs.map(({ value }) => value),
    }),
  );
  peer.disconnect();
}

main();
