import type { KubeInput } from '../../store/types.ts'
import type { Job } from '../model.ts'
import { podFrom } from '../pod-template.ts'

/** Keeps an ended pod until its Job has counted it. */
export const TRACKING = 'batch.kubernetes.io/job-tracking'
const INDEX = 'batch.kubernetes.io/job-completion-index'

/** A pod of a Job; `index` is its completion index when the Job has them. */
export function jobPod(job: Job, index: number | undefined): KubeInput {
  const { name, uid } = job.metadata
  const labels = {
    'batch.kubernetes.io/job-name': name,
    'batch.kubernetes.io/controller-uid': uid,
    'job-name': name,
    'controller-uid': uid,
    ...(index === undefined ? {} : { [INDEX]: String(index) }),
  }
  const annotations = {
    ...job.spec.template.metadata?.annotations,
    ...(index === undefined ? {} : { [INDEX]: String(index) }),
  }
  const generateName = index === undefined ? `${name}-` : `${name}-${index}-`
  return podFrom(job, job.spec.template, { generateName, labels, annotations, finalizers: [TRACKING] })
}
