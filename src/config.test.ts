import { expect, test } from 'vitest'
import { ConfigError, readConfig } from './config.ts'

const read = (env: Record<string, string>) => readConfig(env, '/checkout')

test('an empty environment gives the defaults', () => {
  expect(read({})).toEqual({
    port: 8084,
    leaseSeconds: 15,
    requestsPerSecond: 50,
    host: '127.0.0.1',
    home: '/checkout/.flotilla',
    adminKey: null,
    secretKey: null,
    otherSecretKey: null,
    platformVersion: null,
    databaseUrl: null,
    kubeconfig: null,
    kubeContext: null,
    kafkaBrokers: [],
    helmBin: null,
    oidc: null,
    publicHost: null,
    chartFolders: [],
    webhookAllow: [],
    metricsOpen: false,
    logLevel: 'info',
  })
})

test('empty variables count as not set', () => {
  expect(read({ PORT: '', FLOTILLA_ADMIN_KEY: ' ', DATABASE_URL: '' })).toEqual(read({}))
})

test('everything can be set', () => {
  const config = read({
    PORT: '0',
    HOST: '0.0.0.0',
    FLOTILLA_HOME: 'data',
    FLOTILLA_ADMIN_KEY: 'a'.repeat(32),
    DATABASE_URL: 'postgres://u:p@db:5432/flotilla',
    KUBECONFIG: '/etc/kube/config',
    KAFKA_BROKERS: 'a:9092, b:9092',
    OIDC_ISSUER: 'https://id.example',
    OIDC_AUDIENCE: 'flotilla',
    CHART_FOLDERS: '/charts:more',
    METRICS_OPEN: 'true',
    LOG_LEVEL: 'debug',
  })
  expect(config).toMatchObject({
    port: 0,
    home: '/checkout/data',
    kafkaBrokers: ['a:9092', 'b:9092'],
    oidc: { issuer: 'https://id.example', audience: 'flotilla' },
    chartFolders: ['/charts', '/checkout/more'],
    metricsOpen: true,
    logLevel: 'debug',
  })
})

test('a rate of 0 is no limit', () => {
  expect(read({ REQUESTS_PER_SECOND: '0' }).requestsPerSecond).toBeNull()
  expect(read({ REQUESTS_PER_SECOND: '7' }).requestsPerSecond).toBe(7)
})

test.each([
  ['REQUESTS_PER_SECOND', '-1'],
  ['PORT', '80a'],
  ['PORT', '65536'],
  ['PORT', '-1'],
  ['HOST', 'http://localhost'],
  ['FLOTILLA_ADMIN_KEY', 'a'.repeat(31)],
  ['FLOTILLA_ADMIN_KEY', `${'a'.repeat(31)} b`],
  ['FLOTILLA_SECRET_KEY', 'short'],
  ['FLOTILLA_OTHER_SECRET_KEY', 'short'],
  ['PLATFORM_VERSION', 'latest'],
  ['DATABASE_URL', 'mysql://db/flotilla'],
  ['DATABASE_URL', 'db'],
  ['KAFKA_BROKERS', 'a:9092,b'],
  ['OIDC_ISSUER', 'http://id.example'],
  ['OIDC_ISSUER', 'https://id.example'],
  ['OIDC_AUDIENCE', 'flotilla'],
  ['METRICS_OPEN', 'yes'],
  ['LOG_LEVEL', 'loud'],
])('%s=%s stops the start with one line that names it', (name, value) => {
  const failure = (() => {
    try {
      return read({ [name]: value })
    } catch (error) {
      return error
    }
  })()
  expect(failure).toBeInstanceOf(ConfigError)
  expect((failure as Error).message).toMatch(/^(?=.*must)[^\n]+$/)
  expect((failure as Error).message).toContain(name)
})

test('a wrong secret is not repeated', () => {
  expect(() => read({ FLOTILLA_ADMIN_KEY: 'hunter2' })).toThrow(/^(?!.*hunter2)/)
})

test('the configuration is frozen to the bottom', () => {
  const config = read({ KAFKA_BROKERS: 'a:1' })
  expect(Object.isFrozen(config) && Object.isFrozen(config.kafkaBrokers)).toBe(true)
})

test('the kubeconfig of the practice cluster is no cluster of its own', () => {
  expect(read({ KUBECONFIG: '/checkout/.flotilla/practice-cluster/kubeconfig' }).kubeconfig).toBeNull()
  expect(read({ KUBECONFIG: '/elsewhere/kubeconfig' }).kubeconfig).toBe('/elsewhere/kubeconfig')
})

test.each(['hooks.internal', '10.1.0.0/16, 127.0.0.1', 'fd00::/8,::1'])('WEBHOOK_ALLOW may be "%s"', (value) => {
  expect(read({ WEBHOOK_ALLOW: value }).webhookAllow).toEqual(value.split(',').map((part) => part.trim()))
})

test.each(['10.1.0.0/33', '10.1.0', 'https://hooks.internal', 'a b', 'hooks.internal/8', '1.2.3.4/8/9', '::1/129'])(
  'WEBHOOK_ALLOW may not be "%s"',
  (value) => {
    expect(() => read({ WEBHOOK_ALLOW: value })).toThrow(ConfigError)
  },
)
