/** A small change that breaks a rule; each `find` must occur exactly once in its file. */
export type Mutant = {
  readonly name: string;
  readonly changes: readonly {
    readonly file: string;
    readonly find: string;
    readonly replace: string;
  }[];
};

export const one = (name: string, file: string, find: string, replace: string): Mutant => ({
  name,
  changes: [{ file, find, replace }],
});
