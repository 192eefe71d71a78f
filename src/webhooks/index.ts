/** What others may use of webhooks. */
export { type Allowed, allowedBy } from './allow.ts'
export type { WebhookDeps } from './deps.ts'
export { type SecretSealer, type SinkMachine, type SinkParts, sinkMachine } from './machine.ts'
export { dnsResolve } from './resolve.ts'
export { webhookRoutes } from './routes/index.ts'
export { httpSend } from './send.ts'
export { forgetOldDeliveries, handOn } from './store/hand-on.ts'
