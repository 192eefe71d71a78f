import fc from 'fast-check'
import { expect, test } from 'vitest'
import { actions } from '../../core/actions.ts'
import { type Principal, type Role, roles } from '../../core/subject.ts'
import { actionsOf, mayDo, mayGrant, maySee } from './permissions.ts'

const caller = (role: Role, tenants: Principal['tenants']): Principal => ({ id: 'x', name: 'x', role, tenants })

test('an admin may do everything, and each lesser role less', () => {
  expect(actionsOf('platform-admin')).toEqual([...actions])
  expect(actionsOf('platform-admin')).toEqual(expect.arrayContaining([...actionsOf('tenant-operator')]))
  expect(actionsOf('tenant-operator')).toEqual(expect.arrayContaining([...actionsOf('viewer')]))
})

test('a viewer reads, validates paths and previews, and nothing else', () => {
  expect(actionsOf('viewer').filter((action) => !action.endsWith('.read'))).toEqual([
    'registry.validate',
    'release.preview',
  ])
})

test('keys, tenants, chart sources, grants and forced recovery are the admin alone', () => {
  const operator = caller('tenant-operator', ['a'])
  for (const action of ['api-key.write', 'tenant.write', 'chart-source.write', 'grant.write'] as const)
    expect([action, mayDo(operator, action)]).toEqual([action, false])
  expect(mayDo(operator, 'release.recover')).toBe(true)
  expect(mayDo(operator, 'release.recover-forced')).toBe(false)
})

test('no tenants are no tenants', () => {
  expect(maySee(caller('viewer', []), 'a')).toBe(false)
  expect(maySee(caller('platform-admin', 'all'), 'a')).toBe(true)
})

test('nobody grants more than they hold', () => {
  const tenants = fc.oneof(fc.constant('all' as const), fc.subarray(['a', 'b', 'c']))
  fc.assert(
    fc.property(fc.constantFrom(...roles), tenants, fc.constantFrom(...roles), tenants, (role, own, granted, given) => {
      const by = caller(role, own)
      if (!mayGrant(by, granted, given)) return
      const made = caller(granted, given)
      for (const action of actions) expect(mayDo(by, action) || !mayDo(made, action)).toBe(true)
      for (const tenant of ['a', 'b', 'c', 'd']) expect(maySee(by, tenant) || !maySee(made, tenant)).toBe(true)
    }),
  )
})
