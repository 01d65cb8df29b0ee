import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The program `name` in the folders of `searchPath` (the PATH variable); undefined if nowhere. */
export function onPath(name: string, searchPath: string): string | undefined {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  return searchPath
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, file))
    .find(executable);
}

/** Whether this user may run the file. */
export function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
