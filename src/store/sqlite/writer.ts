/** The thread that writes: the one connection that does. It gets batches of calls and answers each, in their order. */
import { parentPort, workerData } from 'node:worker_threads'
import { COMMANDS } from '../commands.ts'
import { runBatch } from './batch.ts'
import { openConnection } from './connection.ts'
import { unpack } from './crossing.ts'
import type { Crossing } from './crossing.ts'
import { serial } from '../serial.ts'

/** What the thread is started with, and what it is sent: a batch, or null for the end. */
export type WriterData = { readonly path: string }
export type WriterMessage = Crossing | null

if (parentPort === null) throw new Error('writer.ts runs as a worker thread')
const port = parentPort
const { path }: WriterData = workerData
const connection = openConnection(path)
const oneByOne = serial()

port.on('message', (message: WriterMessage) => {
  void oneByOne(async () => {
    if (message !== null) {
      port.postMessage(await runBatch(connection, COMMANDS, unpack(message, COMMANDS)))
      return
    }
    connection.database.close()
    port.close()
  })
})
