import { startDistribution } from './distribution.ts'
import type { TokenRealm } from './realm.ts'
import { startSmallRegistry } from './small-registry.ts'

/** How a registry asks who is there. */
export type Auth = 'none' | 'basic' | 'token'

/** A registry on loopback that takes pushes. */
export type TestRegistry = AsyncDisposable & { readonly host: string }

const binary = process.env.OCI_REGISTRY_BIN

/** Which registry a run of the suites is about: that of `OCI_REGISTRY_BIN`, else the small one of the tests. */
export const testedRegistry = binary === undefined ? 'the small registry of the tests' : 'the distribution registry'

export const startRegistry = (auth: Auth, realm: TokenRealm): Promise<TestRegistry> =>
  binary === undefined ? startSmallRegistry(auth, realm) : startDistribution(binary, auth, realm)
