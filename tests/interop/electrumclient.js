// The Electrum client of others that explorers use: @mempool/electrum-client. Told where its module is, the server's port,
// two scripthashes, a txid, its height, and a transaction in hex; says as JSON what it was answered, subscribes, sends the
// transaction, and says what it was told of it and of the next block.
'use strict';
const { createRequire } = require('module');
const [folder, port, paid, other, txid, height, raw] = process.argv.slice(2);
const ElectrumClient = createRequire(folder + '/')('@mempool/electrum-client');

function next(client, name) {
  return new Promise((resolve) => client.subscribe.once(name, resolve));
}

async function main() {
  const client = new ElectrumClient(Number(port), '127.0.0.1', 'tcp', {}, { onLog: () => {} });
  await client.initElectrum({ client: 'explorer', version: '1.4' }, { maxRetry: 0, callback: null });
  const answered = {
    version: client.versionInfo[1],
    genesis: (await client.server_features()).genesis_hash,
    tip: await client.request('blockchain.headers.subscribe', []), // Its own call has an argument of version 1.3.
    balance: await client.blockchainScripthash_getBalance(paid),
    history: await client.blockchainScripthash_getHistory(paid),
    balances: (await client.blockchainScripthash_getBalanceBatch([paid, other])).map((each) => [each.param, each.result]),
    coins: (await client.blockchainScripthash_listunspentBatch([paid, other])).map((each) => each.result),
    transaction: await client.blockchainTransaction_get(txid, true),
    merkle: await client.blockchainTransaction_getMerkle(txid, Number(height)),
    status: await client.blockchainScripthash_subscribe(paid),
    relayFee: await client.blockchain_relayfee(),
    refused: await client.blockchainTransaction_broadcast('00').catch((error) => error.message),
  };
  const seen = next(client, 'blockchain.scripthash.subscribe');
  answered.sent = await client.blockchainTransaction_broadcast(raw);
  [, answered.changed] = await seen;
  answered.waiting = await client.blockchainScripthash_getMempool(paid);
  answered.histogram = await client.mempool_getFeeHistogram();
  const found = next(client, 'blockchain.headers.subscribe');
  const confirmed = next(client, 'blockchain.scripthash.subscribe');
  console.log(JSON.stringify(answered));
  const [header] = await found;
  const [, status] = await confirmed;
  console.log(JSON.stringify({ header, status, balance: await client.blockchainScripthash_getBalance(paid) }));
  client.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
