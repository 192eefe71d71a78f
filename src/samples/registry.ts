/** What the registry knows of the sample charts: a component each, all their versions, and the steps between them. */
export type SampleComponent = {
  readonly name: string
  readonly category: string
  readonly chartName: string
  readonly healthEndpoint: { readonly path: string; readonly port: number }
  readonly description: string
}

/** Where the containers of the sample charts answer: the port that they declare, and the path of their probe. */
const healthEndpoint = { path: '/health', port: 8080 }

export const sampleComponents: readonly SampleComponent[] = [
  {
    name: 'query-engine',
    category: 'QUERY_ENGINE',
    chartName: 'matih-query-engine',
    healthEndpoint,
    description: 'Answers queries; a Deployment',
  },
  {
    name: 'ai-service',
    category: 'AI_SERVICE',
    chartName: 'matih-ai-service',
    healthEndpoint,
    description: 'Serves models; a Deployment with a migration Job',
  },
  {
    name: 'metadata-store',
    category: 'METADATA_STORE',
    chartName: 'matih-metadata-store',
    healthEndpoint,
    description: 'Keeps metadata; a StatefulSet',
  },
]

/** Version 1.4.0 is STABLE as far as anybody knows: that it never gets ready is seen in an upgrade only. */
export const sampleVersions = ['1.0.0', '1.1.0', '1.2.0', '1.3.0', '1.4.0'] as const
export type SampleVersion = (typeof sampleVersions)[number]
const recommended: SampleVersion = '1.3.0'

/** The body of a version. From 1.2.0 on the AI service asks the query engine. */
export function sampleVersionOf({ name }: SampleComponent, version: SampleVersion) {
  const asksQueries = name === 'ai-service' && version >= '1.2.0'
  return {
    version,
    status: 'STABLE',
    recommended: version === recommended,
    dependencies: asksQueries ? { 'query-engine': '>=1.1.0' } : {},
  }
}

/** From one version to the next, from the first straight to 1.3.0, and to 1.4.0 from each: one step is one execution. */
export const samplePaths: readonly (readonly [from: SampleVersion, to: SampleVersion])[] = [
  ['1.0.0', '1.1.0'],
  ['1.1.0', '1.2.0'],
  ['1.2.0', '1.3.0'],
  ['1.0.0', '1.3.0'],
  ['1.0.0', '1.4.0'],
  ['1.1.0', '1.4.0'],
  ['1.2.0', '1.4.0'],
  ['1.3.0', '1.4.0'],
]

/** What is said of a step: nobody has tested those to 1.4.0. */
export function samplePathOf(to: SampleVersion) {
  const tested = to !== '1.4.0'
  return {
    estimatedDurationMinutes: 10,
    tested,
    notes: tested ? 'Tested on the practice cluster' : 'Nobody has tried it yet',
    preUpgradeSteps: ['Look at the health of every instance'],
    upgradeSteps: ['Move the instances in batches'],
    validationSteps: ['Ask /health of every instance'],
    rollbackSteps: ['Move the instances back'],
  }
}
