import type { Package } from '#domain/package.ts';

/** A package as it is kept; times are epoch ms. */
export type PackageRow = Omit<Package, 'packageId'> & {
  readonly _id: string;
  /** Raised by organizers' changes, not by sales. */
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
};

export const packagesCollection = 'packages';

export const packageOf = ({
  _id,
  version: _v,
  createdAt: _c,
  updatedAt: _u,
  ...rest
}: PackageRow): Package => ({ packageId: _id, ...rest });
