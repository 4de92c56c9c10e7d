import { sseStream } from '../../../meaning.mjs'

export const dynamic = 'force-dynamic'

export async function GET() {
  return new Response(sseStream(), { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' } })
}
