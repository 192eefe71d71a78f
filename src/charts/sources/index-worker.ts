import { parentPort, workerData } from 'node:worker_threads'
import { parseIndex } from './index-file.ts'

/** The thread of `parseIndexAside`: one text in, one index out. */
parentPort?.postMessage(parseIndex(String(workerData)))
