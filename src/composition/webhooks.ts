import type { Config } from '../config.ts'
import type { Clock } from '../core/instant.ts'
import type { Uuid } from '../core/subject.ts'
import type { SealedColumn } from '../infra/database/reseal.ts'
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

export type OpenWebhooks = {
  readonly deps: WebhookDeps
  /** The machine of a worker, which is told when it stops. */
  readonly machine: (stopping: AbortSignal) => SinkMachine
}

/** Joins webhooks: where they may go, what signs them, who sends them. */
export function openWebhooks({ config, db, vault, clock, newId, tenants }: WebhookParts): OpenWebhooks {
  const allowed = allowedBy(config.webhookAllow)
  const resolve = dnsResolve(allowed, systemResolve)
  const secrets = sealerOf(vault)
  const send = httpSend({ allowed, resolve })
  return {
    deps: { db, clock, newId, tenants, secrets, allowed, resolve },
    machine: (stopping) => sinkMachine({ db, clock, secrets, send, chance: Math.random, stopping }),
  }
}

const context = (id: Uuid) => `webhook-secret:${id}`

/** Where the secrets of webhooks are kept sealed. */
export const sealedWebhooks: SealedColumn = {
  table: 'webhooks',
  key: ['id'],
  column: 'secret_enc',
  form: 'bytes',
  context: ({ id }) => context(String(id)),
}

function sealerOf(vault: Vault): SecretSealer {
  return {
    seal: (id, secret) => vault.seal(secret, context(id)),
    open: (id, sealed) => String(vault.open(sealed, context(id))),
  }
}
