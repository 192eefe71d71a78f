import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { VirtualClock } from '../testing/virtual-clock.ts'
import { credentialSource, impersonationHeaders } from './credentials.ts'
import { parseCredential, runCredentialPlugin } from './exec.ts'
import { mergeKubeconfigs, selectContext } from './load.ts'
import type { Context } from './model.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** As `ps` says it; nothing of a process that is gone. */
const stateOf = (pid: string): string => spawnSync('ps', ['-o', 'state=', '-p', pid]).stdout.toString().trim()

const config = (user: string) => `
current-context: one
clusters: [{name: c, cluster: {server: "https://example.com:6443/base", certificate-authority-data: ${btoa('CA')}}}]
users: [{name: u, user: ${user}}]
contexts: [{name: one, context: {cluster: c, user: u}}, {name: two, context: {cluster: c}}]
`
const contextOf = (user: string): Context =>
  selectContext(mergeKubeconfigs([{ path: join(folder, 'config'), text: config(user) }]))

describe('a kubeconfig', () => {
  test('gives contexts with what they refer to', () => {
    const { cluster, user } = contextOf('{token: secret, as: somebody, as-groups: [g]}')
    expect(cluster).toMatchObject({ ca: { pem: 'CA' }, skipVerify: false, proxy: null })
    expect(cluster.server.href).toBe('https://example.com:6443/base')
    expect(impersonationHeaders(user.impersonate)).toEqual({
      'impersonate-user': 'somebody',
      'impersonate-group': ['g'],
    })
  })

  test('of two entries of one name the first counts', () => {
    const files = ['{token: first}', '{token: second}'].map((user) => ({ path: '/x/config', text: config(user) }))
    expect(selectContext(mergeKubeconfigs(files)).user.token).toBe('first')
  })

  test('is refused with words that name the entry, and no credential', () => {
    const merged = mergeKubeconfigs([{ path: '/x', text: config('{token: secret}') }])
    expect(() => selectContext(merged, 'three')).toThrow('there is no context three; there are: one, two')
    const lost = 'contexts: [{name: one, context: {cluster: gone}}]'
    expect(() => mergeKubeconfigs([{ path: '/x', text: lost }])).toThrow('context one: there is no cluster gone')
    expect(() => mergeKubeconfigs([{ path: '/x', text: 'token: {secret' }])).toThrow(/^\/x is not a kubeconfig$/)
  })
})

describe('credentials', () => {
  const clock = new VirtualClock(Date.parse('2026-01-01T00:00:00Z'))
  const current = async (user: string) => (await credentialSource(contextOf(user), clock).current()).authorization

  test('are a token, a name with a password, or nothing', async () => {
    expect(await current('{token: t}')).toBe('Bearer t')
    expect(await current('{username: n, password: p}')).toBe(`Basic ${btoa('n:p')}`)
    expect(await current('{}')).toBeNull()
  })

  test('of a file are read again after a minute', async () => {
    const file = join(folder, 'token')
    writeFileSync(file, 'one\n')
    const source = credentialSource(contextOf('{tokenFile: token}'), clock)
    expect((await source.current()).authorization).toBe('Bearer one')
    writeFileSync(file, 'two\n')
    expect((await source.current()).authorization).toBe('Bearer one')
    await clock.advance(60_000)
    expect((await source.current()).authorization).toBe('Bearer two')
  })

  test('of a plugin are kept until they expire, or are refused', async () => {
    const plugin = join(folder, 'plugin')
    const count = join(folder, 'count')
    writeFileSync(
      plugin,
      `#!/bin/sh
echo x >> ${count}
case "$KUBERNETES_EXEC_INFO" in *client.authentication.k8s.io*) ;; *) exit 3;; esac
echo '{"status":{"token":"t'$(wc -l < ${count} | tr -d ' ')'","expirationTimestamp":"2026-01-01T01:00:00Z"}}'
`,
    )
    chmodSync(plugin, 0o700)
    const source = credentialSource(contextOf('{exec: {command: ./plugin}}'), new VirtualClock(clock.now()))
    const both = await Promise.all([source.current(), source.current()])
    expect(both.map(({ authorization }) => authorization)).toEqual(['Bearer t1', 'Bearer t1'])
    source.forget()
    expect((await source.current()).authorization).toBe('Bearer t2')
  })

  test('of a plugin that fails are an error that says how, not what it printed', async () => {
    const source = credentialSource(contextOf('{exec: {command: sh, args: [-c, "echo secret; exit 7"]}}'), clock)
    await expect(source.current()).rejects.toThrow('the credential plugin sh ended with exit code 7')
  })

  test('of a plugin that hangs are given up in time, and whatever it started is ended', async () => {
    const pidFile = join(folder, 'pid')
    const args = ['-c', `trap "" TERM; sleep 600 & echo $! > ${pidFile}; wait; wait`]
    const { cluster, user } = contextOf(`{exec: {command: sh, args: ${JSON.stringify(args)}}}`)
    if (user.exec === null) throw new Error('there is no plugin')
    const running = runCredentialPlugin(user.exec, cluster, 1000)
    await expect(running).rejects.toThrow('the credential plugin sh did not end within 1 s')
    // On a slow machine it may have been ended before it started anything.
    const pid = existsSync(pidFile) ? readFileSync(pidFile, 'utf8').trim() : ''
    await vi.waitFor(() => expect(stateOf(pid)).toMatch(/^Z?$/), 10_000)
  })

  test('need a token or a certificate', () => {
    expect(parseCredential('{"status":{}}')).toBeNull()
    expect(parseCredential('nonsense')).toBeNull()
    expect(parseCredential('{"status":{"clientCertificateData":"c","clientKeyData":"k"}}')).toMatchObject({
      token: null,
      certificate: { cert: 'c', key: 'k' },
      expiresAt: null,
    })
  })
})
