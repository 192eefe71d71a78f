import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { type Config, ConfigError, type Environment, readConfig } from '../config.ts'
import { serializers } from '../infra/log.ts'
import { logOutput } from '../infra/log-output.ts'
import { installSamples } from '../samples/install-fleet.ts'
import type { AdminKeySource } from '../tenants/index.ts'
import { openStorage } from './database.ts'
import { prepareFolders } from './folders.ts'
import { type Role, type Running, startServer } from './server.ts'
import { hangUp, onSignals, processSignals } from './signals.ts'
import { Stops } from './stops.ts'
import { printWelcome, printWords } from './words.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

type Order =
  | { readonly kind: 'serve'; readonly role: Role; readonly sample: boolean }
  | { readonly kind: 'migrate' }
  | { readonly kind: 'wrong'; readonly why: string }

const usage = 'usage: serve [--role api|worker] [--no-sample] | migrate'

/** What the command line asks for. */
export function readOrder(args: readonly string[]): Order {
  try {
    const options = { role: { type: 'string' }, 'no-sample': { type: 'boolean' } } as const
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    const [command = 'serve', ...more] = positionals
    if (more.length > 0) return { kind: 'wrong', why: usage }
    if (command === 'migrate') return { kind: 'migrate' }
    const role = values.role ?? 'serve'
    if (command !== 'serve' || !isRole(role)) return { kind: 'wrong', why: usage }
    return { kind: 'serve', role, sample: values['no-sample'] !== true }
  } catch (error) {
    return { kind: 'wrong', why: `${error instanceof Error ? error.message : 'wrong arguments'}\n${usage}` }
  }
}

const isRole = (word: string): word is Role => word === 'serve' || word === 'api' || word === 'worker'

/** Runs the command of the process. What is wrong with it or with the environment is one line; the exit code is then 2. */
export async function run(args: readonly string[], env: Environment): Promise<void> {
  const order = readOrder(args)
  if (order.kind === 'wrong') return refuse(order.why)
  const config = configOf(env)
  if (config === null) return
  const log = pino({ level: config.logLevel, base: { pid: process.pid }, serializers }, logOutput(undefined, hangUp))
  const stops = new Stops(log)
  if (order.kind === 'serve') return serve(config, order.role, order.sample, log, stops)
  await openStorage(config, log, stops).catch((error: unknown) => startFailed(error, log))
  await stops.stopAll()
}

function configOf(env: Environment): Config | null {
  try {
    const config = readConfig(env, checkout)
    prepareFolders(config)
    return config
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    refuse(error.message)
    return null
  }
}

function refuse(why: string): void {
  process.stderr.write(`Flotilla: ${why}\n`)
  process.exitCode = 2
}

async function serve(config: Config, role: Role, sample: boolean, log: pino.Logger, stops: Stops): Promise<void> {
  const signals = onSignals(processSignals(log, stops))
  try {
    const running = await startServer(config, role, log, stops)
    log.info({ url: running.url, role }, 'ready')
    if (role === 'serve') await welcome(config, running, sample, signals.stopping)
  } catch (error) {
    if (signals.stopping.aborted) return
    startFailed(error, log)
    await stops.stopAll()
  }
}

function startFailed(error: unknown, log: pino.Logger): void {
  if (error instanceof ConfigError) refuse(error.message)
  else {
    log.fatal({ err: error }, 'the start failed')
    process.exitCode = 1
  }
}

async function welcome(config: Config, running: Running, sample: boolean, signal: AbortSignal): Promise<void> {
  if (running.url === null) return
  const onPractice = config.kubeconfig === null
  if (sample && onPractice) {
    const key = await adminKeyText(config, running.adminKey)
    const fine = await installSamples({ url: running.url, key, signal }, running.samples, printWords).catch(() => false)
    if (!fine && !signal.aborted) printWords('The sample fleet is not complete; the rest works all the same.')
  }
  printWelcome({ url: running.url, home: config.home, onPractice, presetKey: config.adminKey !== null })
}

async function adminKeyText(config: Config, source: AdminKeySource): Promise<string> {
  return source.from === 'file' ? (await readFile(source.path, 'utf8')).trim() : (config.adminKey ?? '')
}
