import { inject } from 'vitest'

/** The suites look here for the cluster that they run on; without it each starts a practice cluster of its own. */
process.env.CONTRACT_KUBECONFIG = inject('realKubeconfig')
