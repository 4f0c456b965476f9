/** A signing thread that dies of the first batch that it is given. */
import { parentPort } from 'node:worker_threads'

parentPort?.postMessage({ isLowered: true }, [])
parentPort?.on('message', () => {
  throw new Error('this thread dies')
})
