/** The sample fleet of SPEC section 7: four tenants with the three sample charts, in the versions of a real fleet. */
export type SampleRelease = {
  readonly tenant: string
  readonly chartName: string
  readonly chartVersion: string
  readonly valuesOverride: Readonly<Record<string, number>>
}

export type SampleTenant = { readonly name: string; readonly id: string; readonly namespace: string }

/** Fixed ids, so that the examples of the README work on every first start. */
export const sampleTenants: readonly SampleTenant[] = [
  { name: 'acme', id: '550e8400-e29b-41d4-a716-446655440000', namespace: 'tenant-acme' },
  { name: 'globex', id: '550e8400-e29b-41d4-a716-446655440001', namespace: 'tenant-globex' },
  { name: 'initech', id: '550e8400-e29b-41d4-a716-446655440002', namespace: 'tenant-initech' },
  { name: 'umbrella', id: '550e8400-e29b-41d4-a716-446655440003', namespace: 'tenant-umbrella' },
]

export const sampleReleases: readonly SampleRelease[] = [
  { tenant: 'acme', chartName: 'matih-query-engine', chartVersion: '1.2.0', valuesOverride: { replicaCount: 3 } },
  { tenant: 'acme', chartName: 'matih-ai-service', chartVersion: '1.0.0', valuesOverride: { replicaCount: 2 } },
  { tenant: 'acme', chartName: 'matih-metadata-store', chartVersion: '1.2.0', valuesOverride: { replicaCount: 2 } },
  { tenant: 'globex', chartName: 'matih-query-engine', chartVersion: '1.1.0', valuesOverride: { replicaCount: 2 } },
  { tenant: 'globex', chartName: 'matih-metadata-store', chartVersion: '1.0.0', valuesOverride: { replicaCount: 1 } },
  { tenant: 'initech', chartName: 'matih-query-engine', chartVersion: '1.3.0', valuesOverride: { replicaCount: 1 } },
  { tenant: 'initech', chartName: 'matih-ai-service', chartVersion: '1.1.0', valuesOverride: { replicaCount: 1 } },
  { tenant: 'umbrella', chartName: 'matih-query-engine', chartVersion: '1.2.0', valuesOverride: { replicaCount: 2 } },
]
