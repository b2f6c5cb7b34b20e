// The REST client of others: bitcoin-core. Told where its modules are, the node's port, a block's hash, and the
// outputs and the transaction to ask for; says as JSON what it was answered.
'use strict';
const { createRequire } = require('module');
const [folder, port, block, txid, ...outputs] = process.argv.slice(2);
const Client = createRequire(folder + '/')('bitcoin-core');

async function main() {
  const client = new Client({ host: `http://127.0.0.1:${port}` });
  const raw = { extension: 'bin' };
  const inHex = { extension: 'hex' };
  const points = outputs.map((name) => ({ id: name.split('-')[0], index: Number(name.split('-')[1]) }));
  const refused = await client.getTransactionByHash('00'.repeat(32)).catch((error) => ({ code: error.code, text: error.message }));
  console.log(
    JSON.stringify({
      info: await client.getBlockchainInformation(),
      block: await client.getBlockByHash(block),
      summary: await client.getBlockByHash(block, { summary: true }),
      raw: (await client.getBlockByHash(block, raw)).toString('hex'),
      headers: await client.getBlockHeadersByHash(block, 2),
      rawHeaders: (await client.getBlockHeadersByHash(block, 2, raw)).toString('hex'),
      transaction: await client.getTransactionByHash(txid),
      rawTransaction: await client.getTransactionByHash(txid, inHex),
      unspent: await client.getUnspentTransactionOutputs(points),
      pool: await client.getMemoryPoolContent(),
      poolInfo: await client.getMemoryPoolInformation(),
      refused,
    }),
  );
}

main();
