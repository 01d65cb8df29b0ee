// Runs before `npm start`, in whatever Node there is: the rest needs one that reads TypeScript.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `Usher needs Node 24 or newer and this is ${process.versions.node}: install it from https://nodejs.org.`,
  );
  process.exit(1);
}
