import { rows } from '../../../meaning.mjs'

export const dynamic = 'force-dynamic'

export async function GET() {
  return Response.json(rows())
}
