import fs from 'node:fs'
import { Readable } from 'node:stream'
import { FILE, FILE_SIZE } from '../../../meaning.mjs'

export const dynamic = 'force-dynamic'

export async function GET() {
  const headers = { 'content-type': 'application/octet-stream', 'content-length': String(FILE_SIZE) }
  return new Response(Readable.toWeb(fs.createReadStream(FILE)), { headers })
}
