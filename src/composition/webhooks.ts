import type { Config } from '../config.ts'
import type { Clock } from '../core/instant.ts'
import type { Uuid } from '../core/subject.ts'
import type { Db } from '../infra/database/types.ts'
import { systemResolve } from '../infra/net/reach.ts'
import type { Vault } from '../infra/secrets/vault.ts'
import type { TenantPort } from '../tenants/index.ts'
import {
  allowedBy,
  dnsResolve,
  httpSend,
  type SecretSealer,
  type SinkMachine,
  sinkMachine,
  type WebhookDeps,
} from '../webhooks/index.ts'

export type WebhookParts = {
  readonly config: Config
  readonly db: Db
  readonly vault: Vault
  readonly clock: Clock
  readonly newId: () => Uuid
  readonly tenants: TenantPort
}

export type OpenWebhooks = { readonly deps: WebhookDeps; readonly machine: SinkMachine }

/** Joins webhooks: where they may go, what signs them, who sends them. */
export function openWebhooks({ config, db, vault, clock, newId, tenants }: WebhookParts): OpenWebhooks {
  const allowed = allowedBy(config.webhookAllow)
  const resolve = dnsResolve(allowed, systemResolve)
  const secrets = sealerOf(vault)
  return {
    deps: { db, clock, newId, tenants, secrets, allowed, resolve },
    machine: sinkMachine({ db, clock, secrets, send: httpSend({ allowed, resolve }), chance: Math.random }),
  }
}

function sealerOf(vault: Vault): SecretSealer {
  const context = (id: Uuid) => `webhook-secret:${id}`
  return {
    seal: (id, secret) => vault.seal(secret, context(id)),
    open: (id, sealed) => String(vault.open(sealed, context(id))),
  }
}
