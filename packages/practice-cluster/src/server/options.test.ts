import { expect, it } from 'vitest'
import { readOptions } from './options.ts'

it('reads flags before the environment', () => {
  const environment = { PRACTICE_DATA: '/env', PRACTICE_PORT: '1', PRACTICE_POD_TERMINATE_MS: '7' }
  expect(readOptions(['--data', '/flag', '--pod-ready-ms', '5'], environment)).toEqual({
    data: '/flag',
    port: 1,
    kubeconfig: '/flag/kubeconfig',
    podReadyMs: 5,
    podTerminateMs: 7,
    endWithStdin: false,
  })
})

it('names what is wrong', () => {
  expect(() => readOptions(['--port', 'x'], {})).toThrow('--port must be a whole number from 0 to 65535, not "x"')
  expect(() => readOptions(['--pod-terminate-ms', '-1'], {})).toThrow()
  expect(() => readOptions(['--odd'], {})).toThrow('--odd')
})
