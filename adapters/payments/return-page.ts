/**
 * What the buyer sees when the bank sends the browser back. It promises nothing: the booking shows
 * what became of the payment, and it learns that from the provider, not from this address.
 */
export const returnPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Payment – Usher</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; }
  main { max-width: 28rem; padding: 2rem; text-align: center; }
  h1 { font-size: 1.4rem; margin: 0 0 .5rem; }
</style>
</head>
<body>
<main>
  <h1>Back from your bank</h1>
  <p>Your booking goes on by itself. You can close this window and look at your booking.</p>
</main>
</body>
</html>
`;
