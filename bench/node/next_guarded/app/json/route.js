import { SMALL } from '../../../meaning.mjs'

export const dynamic = 'force-dynamic'

export async function GET() {
  return Response.json(SMALL)
}
