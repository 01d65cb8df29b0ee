import type { Service, ServiceSchema } from 'moleculer';
import { call } from '#broker/call.ts';
import type { Caller } from '#contracts/common.ts';
import { Authenticator } from '#mixins/authenticator.ts';
import type { Runtime } from '#mixins/runtime.ts';

/** What a service with the mixin has. */
export type WithAuth = {
  /** Who bears this access token; rejects with `unauthenticated` or `unavailable`. */
  authenticate(token: string): Promise<Caller>;
};

/** Gives a service (the gateway) `this.authenticate(token)`. */
export function authMixin({ clock, config }: Runtime): Partial<ServiceSchema> {
  return {
    created(this: Service) {
      const keys = async () => (await call(this.broker, 'accounts.jwks', {})).keys;
      const authenticator = new Authenticator(keys, clock, config.limits);
      const authenticate = (token: string) => authenticator.authenticate(token);
      Object.assign(this, { authenticate } satisfies WithAuth);
    },
  };
}
