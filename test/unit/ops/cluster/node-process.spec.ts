import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { nodeFlags } from '#ops/cluster/node-process.ts';

describe('how Node runs a node', () => {
  it('is the same with `npm start`, in the container and in a cluster', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(scripts.start).toBe(['node', ...nodeFlags, 'main.ts'].join(' '));
    const command = /^CMD (\[.*\])$/m.exec(readFileSync('Dockerfile', 'utf8'))?.[1] ?? '[]';
    expect(JSON.parse(command)).toEqual(['node', ...nodeFlags, 'main.ts']);
  });
});
