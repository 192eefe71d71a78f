import { expect, test } from 'vitest'
import { outageIn } from './frozen-traffic.ts'

const outage = (service: string, to: string | null) =>
  ({ kind: 'outage', service, to, detail: `Service ${service} is pinned to nobody` }) as const

test('one that can be moved comes before one that cannot, wherever it stands', () => {
  const stuck = outage('api', null)
  expect(outageIn([stuck, outage('web', '1.0.0')])).toMatchObject({ service: 'web', to: '1.0.0' })
  expect(outageIn([stuck])).toEqual(stuck)
  expect(outageIn([])).toBeNull()
})

test('all of them are told', () => {
  expect(outageIn([outage('api', null), outage('web', null), outage('web', null)])?.detail).toBe(
    'Service api is pinned to nobody; Service web is pinned to nobody',
  )
})
