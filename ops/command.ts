/**
 * Ends the process with the exit code that `main` answers; 2 when it rejects, and what it rejected
 * with is printed.
 */
export async function runCommand(main: () => Promise<number>): Promise<void> {
  process.exitCode = await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  });
}
