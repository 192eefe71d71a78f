import type { KubeObject } from '../../../src/infra/kubernetes/index.ts'

type Options = {
  readonly namespace?: string
  readonly replicas?: number
  readonly tag?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

type Body = KubeObject & { readonly spec: Readonly<Record<string, unknown>> }

function template(name: string, tag: string) {
  const containers = [{ name: 'main', image: `example/app:${tag}`, env: [{ name: 'WORD', value: 'canary' }] }]
  return { metadata: { labels: { app: name } }, spec: { containers } }
}

function metadataOf(name: string, { namespace, labels = {}, annotations = {} }: Options) {
  return { name, labels, annotations, ...(namespace === undefined ? {} : { namespace }) }
}

export function deployment(name: string, options: Options = {}): Body {
  const { replicas = 1, tag = '1.0.0' } = options
  const spec = { replicas, selector: { matchLabels: { app: name } }, template: template(name, tag) }
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: metadataOf(name, options), spec }
}

export function statefulSet(name: string, options: Options = {}): Body {
  const { spec, metadata } = deployment(name, options)
  const claim = {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata,
    spec: { ...spec, serviceName: name, volumeClaimTemplates: [claim] },
  }
}

export function job(name: string, options: Options = {}): Body {
  const { tag = '1.0.0' } = options
  const { spec } = template(name, tag)
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: metadataOf(name, options),
    spec: { backoffLimit: 0, template: { spec: { ...spec, restartPolicy: 'Never' } } },
  }
}

export function configMap(name: string, options: Options = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadataOf(name, options) }
}
