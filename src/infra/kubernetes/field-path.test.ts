import { expect, test } from 'vitest'
import { valueAt } from './field-path.ts'

const deployment = {
  metadata: { annotations: { 'example.com/owner': 'us', example: { 'com/owner': 'them' } } },
  spec: {
    replicas: 4,
    template: {
      spec: {
        containers: [
          { name: 'side', image: 'side:1' },
          { name: 'main', image: 'app:2', args: ['a', 'b'] },
        ],
      },
    },
  },
}

test.each([
  ['.spec.replicas', 4],
  ['.spec.template.spec.containers[name="main"].image', 'app:2'],
  ['.spec.template.spec.containers[name="main"].args[1]', 'b'],
  ['.spec.template.spec.containers[name="other"].image', null],
  ['.spec.replicas.more', null],
  ['.metadata.labels.app', null],
  ['.metadata.annotations.example.com/owner', 'us'],
  ['.spec.template.spec.containers[name="main"].args', ['a', 'b']],
  ['spec without a dot', null],
])('%s', (path, value) => {
  expect(valueAt(deployment, path)).toEqual(value)
})
