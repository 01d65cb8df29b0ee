import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { onPath } from '#adapters/machine/programs.ts';
import { allRoles } from '#config/config.ts';
import { loadConfig } from '#config/load.ts';
import { layers } from '#test/tidy/source.ts';

const compose = onPath('docker-compose', process.env.PATH ?? '');
const describeCompose =
  compose === undefined && process.env.CI === undefined ? describe.skip : describe;

/** The settings of a container, of the lines `docker-compose config` prints for it. */
function settingsOf(config: string, service: string): Record<string, string> {
  const block = new RegExp(`^ {2}${service}:\\n((?: {4}.*\\n)+)`, 'm').exec(config)?.[1] ?? '';
  const environment = /^ {4}environment:\n((?: {6}.*\n)+)/m.exec(block)?.[1] ?? '';
  const lines = environment.trimEnd().split('\n');
  return Object.fromEntries(
    lines.map(
      (line) =>
        line
          .trim()
          .split(/: (.*)/)
          .slice(0, 2) as [string, string],
    ),
  );
}

describeCompose('docker-compose.yml', () => {
  const config = (): string => execFileSync(compose ?? '', ['config'], { encoding: 'utf8' });

  it.each(allRoles)(
    'runs a container for the role %s with settings that production takes',
    (role) => {
      const env = settingsOf(config(), role);
      const settings = loadConfig(env, (path) => secrets[path]);
      expect(settings).toMatchObject({ env: 'production', roles: [role] });
    },
  );

  it('holds no secret', () => {
    expect(config()).not.toMatch(/sk_(live|test)_\w|whsec_\w|:\/\/[^/\s]*:[^/\s]*@/);
  });
});

const secrets: Readonly<Record<string, string>> = {
  '/run/secrets/stripe_secret_key': 'sk_live_x',
  '/run/secrets/stripe_webhook_secret': 'whsec_x',
  '/run/secrets/smtp_url': 'smtp://mail',
};

describe('the image', () => {
  it.each(['Dockerfile', '.dockerignore'])('has every layer (%s)', (file) => {
    const text = readFileSync(file, 'utf8');
    const missing = layers.filter((layer) => !text.includes(`${layer}`));
    expect(missing).toEqual([]);
  });
});
