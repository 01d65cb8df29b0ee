/** Exit code 0 when the node in this container is ready; the container's health check. */
const port = process.env.OPS_PORT || '3001';
const response = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
process.exit(response?.ok === true ? 0 : 1);
