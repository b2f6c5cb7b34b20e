// The JSON-RPC clients of others: bitcoin-core and bitcoin-json-rpc, which judges every answer by a schema. Told where
// their modules are, the node's port, user and password, an address of the wallet alice and the txid of a payment to it;
// says as JSON what it was answered.
'use strict';
const { createRequire } = require('module');
const [folder, port, username, password, address, txid] = process.argv.slice(2);
const load = createRequire(folder + '/');

async function withBitcoinCore() {
  const Client = load('bitcoin-core');
  const options = { host: `http://127.0.0.1:${port}`, username, password, wallet: 'alice' };
  const client = new Client(options);
  const named = new Client({ ...options, version: '0.21.0' });
  const refused = await client.getBlockHash(1000000).catch((error) => ({ code: error.code, text: error.message }));
  const stranger = new Client({ ...options, password: 'wrong' });
  return {
    balance: await client.getBalance(),
    sameBalance: await named.getBalance({ minconf: 0 }),
    unspent: await client.listUnspent(1, 9999999, [address]),
    payment: await client.getTransaction(txid),
    batch: await client.command([
      { method: 'getblockcount' },
      { method: 'getblockhash', parameters: [0] },
      { method: 'getblockhash', parameters: [-1] },
    ]),
    refused,
    unauthorized: await stranger.getBlockCount().catch((error) => error.code),
    sent: await client.sendToAddress(address, 0.25),
  };
}

async function withBitcoinJsonRpc() {
  const { default: BitcoinJsonRpc } = await import(`${folder}/node_modules/bitcoin-json-rpc/dist/esm/index.js`);
  const rpc = new BitcoinJsonRpc(`http://${username}:${password}@127.0.0.1:${port}/wallet/alice`);
  const bare = await rpc.createRawTransaction([], { [address]: 0.5 });
  const funded = await rpc.fundRawTransaction(bare, { changePosition: 1 });
  const signed = await rpc.signRawTransactionWithWallet(funded.hex);
  const sent = await rpc.sendRawTransaction(signed.hex);
  const pool = await rpc.getRawMempool();
  const [block] = await rpc.generateToAddress(1, await rpc.getNewAddress());
  const unspent = await rpc.listUnspent();
  const coin = unspent.find((each) => each.txid === sent && each.vout === 0);
  const point = { txid: coin.txid, vout: coin.vout };
  return {
    complete: signed.complete,
    fee: funded.fee,
    sent,
    pool,
    block: await rpc.getBlockFromHash(block),
    hash: await rpc.getBlockHashFromHeight(await rpc.getBlockCount()),
    paid: await rpc.getRawTransactionAsObject(sent),
    own: await rpc.getTransaction(sent),
    coin,
    locked: await rpc.lockUnspent(false, [point]),
    left: (await rpc.listUnspent()).length - unspent.length,
    unlocked: await rpc.lockUnspent(true, [point]),
    valid: await rpc.validateAddress(address),
    balance: await rpc.getBalance(1),
    refused: await rpc.sendRawTransaction('00').catch((error) => ({ executed: error.executed, text: error.message })),
  };
}

async function main() {
  const core = await withBitcoinCore();
  console.log(JSON.stringify({ core, typed: await withBitcoinJsonRpc() }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
