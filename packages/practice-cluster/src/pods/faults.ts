import type { Container, Pod } from '../controllers/model.ts'
import type { PodSettings } from './settings.ts'

/** What a simulated container does wrong. */
export const faults = ['crash', 'fail', 'imagepull', 'never-ready', 'sick', 'slow', 'pending'] as const
export type Fault = (typeof faults)[number]

const PREFIX = 'practice.flotilla.dev'
const FAULT = `${PREFIX}/fault`
const READY_AFTER = `${PREFIX}/ready-after-ms`
const RUN = `${PREFIX}/run-ms`
const TERMINATE = `${PREFIX}/terminate-ms`

const SLOW_MS = 20_000

/** Words of an image tag or of the annotation, and the fault that they ask for. */
const words: readonly (readonly [string, Fault])[] = [
  ['imagepull', 'imagepull'],
  ['never-ready', 'never-ready'],
  ['unready', 'never-ready'],
  ['unhealthy', 'sick'],
  ['sick', 'sick'],
  ['crash', 'crash'],
  ['pending', 'pending'],
  ['unschedulable', 'pending'],
  ['fail', 'fail'],
  ['slow', 'slow'],
]

/** The fault of a container: the pod's annotation decides, otherwise a word in the tag of its image. */
export function faultOf(pod: Pod, container: Container): Fault | undefined {
  const asked = pod.metadata.annotations?.[FAULT] ?? tagOf(container.image ?? '')
  return words.find(([word]) => asked.toLowerCase().includes(word))?.[1]
}

/** Whether any container asks that its pod is never scheduled. */
export function isUnschedulable(pod: Pod): boolean {
  return pod.spec.containers.some((container) => faultOf(pod, container) === 'pending')
}

/** How long a container takes to become ready after its start. */
export function readyAfterMs(pod: Pod, container: Container, settings: PodSettings): number {
  const fallback = faultOf(pod, container) === 'slow' ? SLOW_MS : settings.readyMs
  return milliseconds(pod, READY_AFTER, fallback)
}

/** How long a container that ends by itself runs. */
export function runMs(pod: Pod, settings: PodSettings): number {
  return milliseconds(pod, RUN, settings.readyMs)
}

/** How long the containers of a deleted pod take to stop; its grace period may end them earlier. */
export function terminateMs(pod: Pod, settings: PodSettings): number {
  return milliseconds(pod, TERMINATE, settings.terminateMs)
}

function milliseconds(pod: Pod, annotation: string, fallback: number): number {
  const value = Number(pod.metadata.annotations?.[annotation] ?? fallback)
  return Number.isFinite(value) && value >= 0 ? value : fallback
}

function tagOf(image: string): string {
  const name = image.split('@')[0] ?? ''
  const last = name.slice(name.lastIndexOf('/') + 1)
  return last.includes(':') ? last.slice(last.indexOf(':') + 1) : ''
}
