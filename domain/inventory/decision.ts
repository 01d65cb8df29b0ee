import type { ErrorCode, ErrorData } from '#domain/errors.ts';
import { errorRegistry } from '#domain/errors.ts';
import type { CommandKind, ReplyOf } from '#domain/inventory/commands.ts';
import type { Fact } from '#domain/inventory/facts.ts';

export type Refusal = {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly data: ErrorData;
};

export type Reply<K extends CommandKind = CommandKind> =
  | { readonly ok: true; readonly value: ReplyOf<K> }
  | Refusal;

/**
 * What a command leads to. The reply is true once the facts stand in the journal; a refusal may
 * have facts too (a hold that turned out to be over).
 */
export type Decision<K extends CommandKind = CommandKind> = {
  readonly facts: readonly Fact[];
  readonly reply: Reply<K>;
};

const noFacts: readonly Fact[] = [];

export const accept = <K extends CommandKind>(
  value: ReplyOf<K>,
  facts: readonly Fact[] = noFacts,
): Decision<K> => ({ facts, reply: { ok: true, value } });

export const refuse = (
  code: ErrorCode,
  detail: string = errorRegistry[code].title,
  data: ErrorData = {},
  facts: readonly Fact[] = noFacts,
): { readonly facts: readonly Fact[]; readonly reply: Refusal } => ({
  facts,
  reply: { ok: false, code, detail, data },
});
