import { expect, test } from 'vitest'
import { valueAt } from './field-path.ts'

const deployment = {
  metadata: {
    finalizers: ['example.com/one', 'example.com/two'],
    annotations: { 'example.com/owner': 'us', example: { 'com/owner': 'them' } },
  },
  spec: {
    replicas: 4,
    template: {
      spec: {
        containers: [
          { name: 'side', image: 'side:1' },
          {
            name: 'main',
            image: 'app:2',
            args: ['a', 'b'],
            ports: [
              { containerPort: 80, name: 'http' },
              { containerPort: 80, protocol: 'UDP', name: 'quic' },
            ],
          },
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
  ['.spec.template.spec.containers[name="main"].ports[containerPort=80,protocol="UDP"].name', 'quic'],
  // What a chart leaves out the server fills in: it is a key of the item all the same.
  ['.spec.template.spec.containers[name="main"].ports[containerPort=80,protocol="TCP"].name', 'http'],
  ['.spec.template.spec.containers[name="main"].ports[containerPort=81,protocol="UDP"].name', null],
  ['.metadata.finalizers[="example.com/two"]', 'example.com/two'],
  ['.metadata.finalizers[="example.com/three"]', null],
  ['spec without a dot', null],
])('%s', (path, value) => {
  expect(valueAt(deployment, path)).toEqual(value)
})
