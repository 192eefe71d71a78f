import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../support/port.ts'
import { TestbedProcess } from '../support/process.ts'
import { type Scratch, scratchFolder } from '../support/scratch.ts'

/** What differs from the defaults of a broker, as it stands in `server.properties`. */
export type Properties = Readonly<Record<string, string>>

const longestStartMs = 120_000
const javaOptions = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'] as const
const started = /Kafka Server started/g

/**
 * One real broker in KRaft mode on loopback, with its data in a temporary folder. It ends, and the folder goes, with the
 * process that made it, however that one ends. Make it on the main thread.
 */
export class RealBroker {
  /** `host:port`, the same after each start. */
  readonly address: string
  readonly #scratch: Scratch
  readonly #classPath: string
  #process: TestbedProcess | null = null

  private constructor(port: number, scratch: Scratch, classPath: string) {
    this.address = `127.0.0.1:${port}`
    this.#scratch = scratch
    this.#classPath = classPath
  }

  /** Formats the storage and starts. `libraries` is the folder of `kafkaLibraries`. */
  static async start(libraries: string, properties: Properties = {}): Promise<RealBroker> {
    const scratch = scratchFolder('flotilla-kafka-')
    const [port, controllerPort] = [await freePort(), await freePort()]
    const broker = new RealBroker(port, scratch, join(libraries, '*'))
    try {
      const written = { ...defaults(port, controllerPort, scratch.folder), ...properties }
      const lines = Object.entries(written).map(([key, value]) => `${key}=${value}`)
      writeFileSync(broker.#config, `${lines.join('\n')}\n`)
      broker.#format()
      await broker.start()
      return broker
    } catch (error) {
      await broker.stop()
      throw error
    }
  }

  /** Starts it again where it was; resolves once it answers. */
  async start(): Promise<void> {
    if (this.#process !== null) return
    const args = [...javaOptions, '-cp', this.#classPath, 'kafka.Kafka', this.#config]
    const process = new TestbedProcess('kafka', 'java', args, this.#scratch.folder)
    this.#process = process
    let ended: string | null = null
    void process.exited.then((how) => {
      ended = how
    })
    const deadline = performance.now() + longestStartMs
    while (!(await answers(this.address)) || !process.log().match(started)) {
      if (ended !== null || performance.now() > deadline)
        throw new Error(`Kafka did not start (${ended ?? 'not in time'})\n${process.lastWords()}`)
      await sleep(100)
    }
  }

  /** Stops it without a word, as a lost machine does. */
  async kill(): Promise<void> {
    await this.#process?.kill()
    this.#process = null
  }

  /** Lets it stand still, all of it: connections stay open, and nothing answers. */
  async freeze(): Promise<void> {
    const pid = this.#signal('SIGSTOP')
    while (!isStopped(pid)) await sleep(5)
  }

  /** Lets it go on. */
  thaw(): void {
    this.#signal('SIGCONT')
  }

  /** Ends it and removes what it has written. */
  async stop(): Promise<void> {
    await this.kill()
    await this.#scratch.remove()
  }

  #signal(name: 'SIGSTOP' | 'SIGCONT'): number {
    if (this.#process === null) throw new Error('The broker does not run')
    process.kill(this.#process.pid, name)
    return this.#process.pid
  }

  get #config(): string {
    return join(this.#scratch.folder, 'server.properties')
  }

  #format(): void {
    const id = clusterId()
    const args = ['-cp', this.#classPath, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', this.#config]
    execFileSync('java', [...javaOptions, ...args], { stdio: 'pipe', cwd: this.#scratch.folder })
  }
}

function defaults(port: number, controllerPort: number, folder: string): Properties {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    'num.partitions': '3',
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
  }
}

function answers(address: string): Promise<boolean> {
  const [host, port] = address.split(':')
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** The signal reaches one thread after the other. */
function isStopped(pid: number): boolean {
  const tasks = `/proc/${pid}/task`
  return readdirSync(tasks).every((task) => readFileSync(`${tasks}/${task}/stat`, 'utf8').includes(') T '))
}

/** 16 bytes in base64; one that began with `-` would be an option to the command that takes it. */
function clusterId(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0] ?? 0) & 0b0011_1111
  return bytes.toString('base64url')
}
