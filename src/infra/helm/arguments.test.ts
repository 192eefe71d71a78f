import { describe, expect, test } from 'vitest'
import {
  installArguments,
  rollbackArguments,
  templateArguments,
  uninstallArguments,
  upgradeArguments,
} from './arguments.ts'

const common = { release: 'r', namespace: 'ns', timeoutSeconds: 30 }
const deploy = { ...common, chartPath: '/c.tgz', valuesPath: '/v.json', operationId: 'OP' }

describe('helm 4', () => {
  test('install', () => {
    expect(installArguments('v4', { ...deploy, replace: false, description: '--purge' })).toEqual([
      'install',
      '--namespace=ns',
      '--timeout=30s',
      '--values=/v.json',
      '--labels=flotilla.dev/operation=OP,flotilla.dev/attempt=0',
      '--description=--purge',
      '--disable-openapi-validation',
      '--hide-notes',
      '--wait=hookOnly',
      '--server-side=true',
      '--',
      'r',
      '/c.tgz',
    ])
  })

  test('install again over a settled first revision', () => {
    expect(installArguments('v4', { ...deploy, replace: true })).toContain('--replace')
  })

  test('upgrade goes on as the release was made, unless it is to take fields', () => {
    const plain = upgradeArguments('v4', { ...deploy, forceConflicts: false, historyMax: 10, hooks: true })
    expect(plain).toEqual(expect.arrayContaining(['--server-side=auto', '--reset-values', '--history-max=10']))
    expect(plain).not.toContain('--force-conflicts')
    const forced = upgradeArguments('v4', { ...deploy, forceConflicts: true, historyMax: 10, hooks: true })
    expect(forced).toEqual(expect.arrayContaining(['--server-side=true', '--force-conflicts']))
  })

  test('rollback always takes fields', () => {
    expect(rollbackArguments('v4', { ...common, revision: 3, historyMax: 10, hooks: true })).toEqual([
      'rollback',
      '--namespace=ns',
      '--timeout=30s',
      '--wait=hookOnly',
      '--server-side=true',
      '--force-conflicts',
      '--history-max=10',
      '--',
      'r',
      '3',
    ])
  })

  test('an upgrade or rollback without hooks', () => {
    const upgrading = { ...deploy, forceConflicts: false, historyMax: 10 }
    const rollingBack = { ...common, revision: 3, historyMax: 10 }
    for (const dialect of ['v3', 'v4'] as const) {
      expect(upgradeArguments(dialect, { ...upgrading, hooks: false })).toContain('--no-hooks')
      expect(upgradeArguments(dialect, { ...upgrading, hooks: true })).not.toContain('--no-hooks')
      expect(rollbackArguments(dialect, { ...rollingBack, hooks: false })).toContain('--no-hooks')
    }
  })

  test('uninstall', () => {
    expect(uninstallArguments('v4', { ...common, cascade: 'foreground', hooks: true, description: 'why' })).toEqual([
      'uninstall',
      '--namespace=ns',
      '--timeout=30s',
      '--wait=hookOnly',
      '--description=why',
      '--ignore-not-found',
      '--cascade=foreground',
      '--',
      'r',
    ])
    expect(uninstallArguments('v4', { ...common, cascade: 'background', hooks: false })).toContain('--no-hooks')
  })
})

test('helm 3.17 knows none of the flags that came with 4', () => {
  const lines = [
    installArguments('v3', { ...deploy, replace: false }),
    upgradeArguments('v3', { ...deploy, forceConflicts: true, historyMax: 10, hooks: true }),
    rollbackArguments('v3', { ...common, revision: 3, historyMax: 10, hooks: true }),
    uninstallArguments('v3', { ...common, cascade: 'background', hooks: true }),
  ].flat()
  expect(lines.filter((flag) => /^--(wait|server-side|force)/.test(flag))).toEqual([])
})

test('template renders hooks and CRDs, for an upgrade when asked', () => {
  const a = {
    ...common,
    chartPath: '/c.tgz',
    valuesPath: '/v.json',
    kubeVersion: '1.35.0',
    apiVersions: ['a/v1', 'b/v1'],
  }
  const line = templateArguments({ ...a, isUpgrade: true })
  expect(line).toEqual(expect.arrayContaining(['--include-crds', '--is-upgrade', '--api-versions=b/v1']))
  expect(line.slice(-3)).toEqual(['--', 'r', '/c.tgz'])
  expect(templateArguments({ ...a, isUpgrade: false })).not.toContain('--is-upgrade')
})
