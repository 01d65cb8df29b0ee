import type { ActionContract, ServiceContract } from '#contracts/contract.ts';

/** `'payments.create'` → its contract, for every action of the given services. */
export type ContractTable = ReadonlyMap<string, ActionContract>;

/** Throws when two services state the same action. */
export function contractTable(services: readonly ServiceContract[]): ContractTable {
  const table = new Map<string, ActionContract>();
  for (const service of services) {
    for (const [name, contract] of Object.entries(service.actions)) {
      const fullName = `${service.name}.${name}`;
      if (table.has(fullName)) throw new Error(`${fullName} has two contracts`);
      table.set(fullName, contract);
    }
  }
  return table;
}
