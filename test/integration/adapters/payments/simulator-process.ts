import { startSimulator } from '#adapters/payments/simulator/index.ts';

/** The simulator in a process of its own, to be killed. Prints its address. */
const [mongodbUri = '', webhookUrl = ''] = process.argv.slice(2);
const simulator = await startSimulator({
  port: 0,
  mongodbUri,
  webhookUrl,
  webhookSecret: 'whsec_test',
});
console.log(simulator.url);
