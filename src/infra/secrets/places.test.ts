import { expect, test } from 'vitest'
import { withoutSecretPlaces } from './places.ts'

test('variables are named and never told, whatever an environment is called and however it is written', () => {
  const shown = withoutSecretPlaces({
    containers: [
      { env: [{ name: 'A', value: 'canary' }, { TOKEN: 'canary' }, 'B=canary'], envFrom: [{ prefix: 'P_' }] },
    ],
    spec: {
      extraEnv: [
        { name: 'A', value: 'canary' },
        { name: 'B', valueFrom: { fieldRef: { fieldPath: 'x' } } },
      ],
    },
    sidecar: { env: { A: 'canary' } },
    environments: [{ name: 'prod', replicas: 3 }],
  })
  expect(shown).toEqual({
    containers: [{ env: [{ name: 'A', value: '***' }, { TOKEN: '***' }, '***'], envFrom: [{ prefix: 'P_' }] }],
    spec: {
      extraEnv: [
        { name: 'A', value: '***' },
        { name: 'B', valueFrom: { fieldRef: { fieldPath: 'x' } } },
      ],
    },
    sidecar: { env: { A: '***' } },
    environments: [{ name: 'prod', replicas: 3 }],
  })
})
