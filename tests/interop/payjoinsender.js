// A sender of payjoins by others: payjoin-client over bitcoinjs-lib, with one key.
// Told as JSON on its standard input what to spend and whom to pay; says as JSON what it would send.
'use strict';
const { createRequire } = require('module');
const load = createRequire(process.argv[2] + '/');
const { ECPair, Psbt, networks } = load('bitcoinjs-lib');
const { PayjoinClient } = load('payjoin-client');

async function main(told) {
  const network = networks.regtest;
  const key = ECPair.fromPrivateKey(Buffer.from(told.key, 'hex'), { network });
  const bytes = (hex) => Buffer.from(hex, 'hex');
  const psbt = new Psbt({ network });
  psbt.setVersion(2);
  for (const coin of told.coins) {
    const input = { hash: coin.txid, index: 0, sequence: told.sequence };
    if (coin.whole) input.nonWitnessUtxo = bytes(coin.whole);
    else input.witnessUtxo = { script: bytes(coin.script), value: coin.amount };
    if (coin.redeem) input.redeemScript = bytes(coin.redeem);
    psbt.addInput(input);
  }
  for (const output of told.outputs) {
    psbt.addOutput({ script: bytes(output.script), value: output.amount });
  }
  psbt.signAllInputs(key);
  const sent = [];
  let original = '';
  const wallet = {
    getPsbt: async () => psbt,
    signPsbt: async (proposal) => {
      for (let place = 0; place < proposal.inputCount; place++) {
        const input = proposal.data.inputs[place];
        if (input.finalScriptSig || input.finalScriptWitness) continue;
        proposal.signInput(place, key);
        proposal.finalizeInput(place);
      }
      return proposal;
    },
    broadcastTx: async (hex) => {
      sent.push(hex);
      return '';
    },
    scheduleBroadcastTx: async (hex) => {
      original = hex;
    },
  };
  let failure = '';
  try {
    await new PayjoinClient({
      wallet,
      paymentScript: bytes(told.payment),
      payjoinUrl: told.url,
      payjoinParameters: told.parameters,
    }).run();
  } catch (error) {
    failure = error.message;
  }
  console.log(JSON.stringify({ sent, original, failure }));
}

let text = '';
process.stdin.on('data', (piece) => (text += piece));
process.stdin.on('end', () => main(JSON.parse(text)));
