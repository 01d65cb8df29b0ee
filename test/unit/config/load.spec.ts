import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ConfigError, loadConfig } from '#config/load.ts';
import { secretNames, settingNames } from '#config/schema.ts';
import type { Env } from '#config/sources.ts';
import { limits } from '#domain/limits.ts';

const load = (env: Env, files: Record<string, string> = {}) =>
  loadConfig(env, (path) => files[path]);

function problemsOf(env: Env, files: Record<string, string> = {}): readonly string[] {
  try {
    load(env, files);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const cluster = {
  NATS_URL: 'nats://nats:4222',
  MONGODB_URI: 'mongodb://a,b,c/usher?replicaSet=rs0',
  STRIPE_SECRET_KEY: 'sk_live_1',
  STRIPE_WEBHOOK_SECRET: 'whsec_1',
};

describe('the configuration', () => {
  it('needs nothing for a single process', () => {
    const settings = load({});
    expect(settings).toMatchObject({
      env: 'development',
      roles: ['gateway', 'inventory', 'core', 'worker'],
      port: 3000,
      opsPort: 3001,
      publicUrl: 'http://localhost:3000',
      demo: true,
      stripe: { simulator: true },
    });
    expect(settings.limits).toEqual(limits);
    expect(settings.mongodbUri).toBeUndefined();
  });

  it('is frozen through and through', () => {
    const settings = load({});
    expect(Object.isFrozen(settings)).toBe(true);
    expect(Object.isFrozen(settings.stripe)).toBe(true);
    expect(Object.isFrozen(settings.limits)).toBe(true);
  });

  it('lists every problem at once', () => {
    const problems = problemsOf({ PORT: 'abc', ROLE: 'cook', LOG_LEVEL: 'loud', NATS_URL: 'x' });
    expect(problems).toEqual([
      'ROLE must be all or a list of gateway, inventory, core, worker, not "cook"',
      'PORT must be a port number from 0 to 65535, not "abc"',
      'LOG_LEVEL must be one of error, warn, info, debug, not "loud"',
      'NATS_URL must be an address that starts with nats://, or several with commas between',
    ]);
  });

  it('takes empty values as not set', () => {
    expect(load({ PORT: '', MONGODB_URI: '' }).port).toBe(3000);
  });

  it('names the database usher where the connection string names none', () => {
    const uriOf = (uri: string) => load({ MONGODB_URI: uri }).mongodbUri;
    expect(uriOf('mongodb://h:1,i:2')).toBe('mongodb://h:1,i:2/usher');
    expect(uriOf('mongodb://h/?replicaSet=rs0')).toBe('mongodb://h/usher?replicaSet=rs0');
    expect(uriOf('mongodb://h/mine?w=1')).toBe('mongodb://h/mine?w=1');
  });

  it('refuses one port for two uses', () => {
    expect(problemsOf({ PORT: '4000', OPS_PORT: '4000' })).toEqual([
      'PORT and OPS_PORT are both 4000; they must differ',
    ]);
  });
});

describe('roles', () => {
  it('are put into one order, once each', () => {
    expect(load({ ...cluster, ROLE: 'worker, core,worker' }).roles).toEqual(['core', 'worker']);
  });

  it('refuse to split without the servers that hold a cluster together', () => {
    expect(problemsOf({ ROLE: 'gateway' })).toEqual([
      'NATS_URL is needed: ROLE=gateway is a part of a cluster',
      'MONGODB_URI is needed: ROLE=gateway is a part of a cluster',
      'STRIPE_SECRET_KEY is needed: ROLE=gateway is a part of a cluster',
    ]);
  });
});

describe('production', () => {
  const complete = {
    ...cluster,
    NODE_ENV: 'production',
    REDIS_URL: 'redis://redis',
    ELASTICSEARCH_NODE: 'http://search:9200',
    SMTP_URL: 'smtp://mail',
  };

  it('starts when everything is real', () => {
    expect(load(complete)).toMatchObject({ env: 'production', demo: false });
  });

  it('refuses each stand-in by name', () => {
    const problems = problemsOf({ NODE_ENV: 'production', DEMO: 'true' }).join('\n');
    for (const name of [
      'child mongod',
      'memory stand-in for Redis',
      'embedded search index',
      'Stripe simulator',
      'sent-mail page',
      'demo catalogue',
    ]) {
      expect(problems).toContain(name);
    }
  });

  it('refuses another server in place of Stripe', () => {
    expect(problemsOf({ ...complete, STRIPE_API_BASE: 'http://localhost:1' })).toEqual([
      'STRIPE_API_BASE must not be set: production does not use a stand-in for Stripe',
    ]);
  });
});

describe('limits', () => {
  it('can be lowered', () => {
    expect(load({ LIMITS: 'holdTtlMs=60000, drainMs=500' }).limits).toMatchObject({
      holdTtlMs: 60_000,
      drainMs: 500,
    });
  });

  it('cannot be raised, made up, emptied or brought out of relation', () => {
    expect(problemsOf({ LIMITS: 'holdTtlMs=99999999,clockSkewMaxMs=1,drainMs=0' })).toEqual([
      'LIMITS holdTtlMs may be lowered below 600000, not raised to 99999999',
      'LIMITS names clockSkewMaxMs, which is no limit that can be lowered',
      'LIMITS drainMs must be a whole number above 0',
    ]);
    expect(problemsOf({ LIMITS: 'holdTtlMs=1000' })).toEqual([
      'LIMITS failoverMs must be below holdTtlMs',
    ]);
  });
});

describe('files', () => {
  it('fill in what the environment leaves open', () => {
    const files = { '.env': '# a comment\nPORT=4000\nOPS_PORT=4001\n' };
    expect(load({ OPS_PORT: '5001' }, files)).toMatchObject({ port: 4000, opsPort: 5001 });
  });

  it('are refused where they are damaged', () => {
    expect(problemsOf({}, { '.env': 'PORT=4000\n{"port": 4000}\nPROT=1' })).toEqual([
      '.env line 2 is not of the form NAME=value',
      '.env line 3: there is no setting PROT',
    ]);
  });

  it('give secrets', () => {
    const env = { STRIPE_SECRET_KEY_FILE: '/run/key', STRIPE_WEBHOOK_SECRET: 'whsec_1' };
    expect(load(env, { '/run/key': 'sk_live_9\n' }).stripe.secretKey).toBe('sk_live_9');
    expect(problemsOf(env)).toEqual([
      'STRIPE_SECRET_KEY_FILE names /run/key, which does not exist',
    ]);
    expect(problemsOf({ ...env, STRIPE_SECRET_KEY: 'sk_1' })).toEqual([
      'STRIPE_SECRET_KEY and STRIPE_SECRET_KEY_FILE are both set; keep one',
    ]);
  });
});

describe('.env.example', () => {
  const lines = readFileSync('.env.example', 'utf8').split('\n');

  it('lists every setting, unset', () => {
    const names = lines.filter((line) => /^[A-Z]/.test(line));
    expect(names).toEqual(settingNames.map((name) => `${name}=`));
  });

  it('marks the settings that may come from a file', () => {
    const marked = lines.flatMap((line, index) => {
      if (!line.startsWith('# (file)')) return [];
      return (
        lines
          .slice(index)
          .find((next) => /^[A-Z]/.test(next))
          ?.slice(0, -1) ?? []
      );
    });
    expect(marked).toEqual(secretNames);
  });
});
