import { test } from 'vitest'
import { podsAnswer } from '../../support/cluster.ts'

/*
 * What scenarios cannot have on a real cluster (the project `real`), in one place. kwok plays the pods there,
 * no container runs, and nothing answers at their addresses: components have no health endpoint, a pod gets ill by not being
 * ready, and what is about the endpoint itself is left out.
 */

/** The endpoint of a component whose pods have one. */
export const health = podsAnswer ? { healthEndpoint: { path: '/health', port: 8080 } } : {}

/** How a pod gets ill: it is ready and answers no health check, where it can be asked. */
export const ill = podsAnswer ? 'sick' : 'crash'

/** A case that is about what a container answers or writes: its health endpoint while the pod is ready, its log. */
export const whereContainersRun = test.runIf(podsAnswer)

/**
 * A case in which there is room again for pods that were refused. The controller of a real ReplicaSet waits twice as long
 * after each refusal, up to 16 minutes, and no room that comes meanwhile shortens that: longer than a test can wait.
 */
export const whereRoomIsSeenAtOnce = test.runIf(podsAnswer)
