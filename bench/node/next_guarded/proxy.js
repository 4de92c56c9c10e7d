// CORS and a token check in front of every route, in the file Next 16 has for it.
import { NextResponse } from 'next/server'

export function proxy(request) {
  if (request.headers.get('authorization') !== 'Bearer s3cret-token') {
    return NextResponse.json({ error: 'unauthorized' }, { status: 401 })
  }
  const response = NextResponse.next()
  if (request.headers.get('origin') === 'https://example.com') {
    response.headers.set('access-control-allow-origin', 'https://example.com')
    response.headers.set('vary', 'Origin')
  }
  return response
}
