/** How bytes travel: `fetch`, or what tells how far an upload is. */

export type Transport = (url: string, init: RequestInit) => Promise<Response>;

export interface Progress {
  loaded: number;
  total: number;
}

/** Browsers tell the progress of an upload to XMLHttpRequest alone; elsewhere it is counted. */
export function reportProgress(fetch: Transport, onProgress: (progress: Progress) => void): Transport {
  return typeof XMLHttpRequest === 'undefined' ? countBytes(fetch, onProgress) : sendByXHR(onProgress);
}

function sendByXHR(onProgress: (progress: Progress) => void): Transport {
  return (url, { method = 'POST', headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const abort = () => request.abort();
      request.open(method, url);
      new Headers(headers).forEach((value, name) => request.setRequestHeader(name, value));
      request.responseType = 'blob';
      request.upload.onprogress = ({ loaded, total }) => onProgress({ loaded, total });
      request.onload = () => resolve(readResponse(request));
      request.onerror = () => reject(new TypeError('The upload failed.'));
      request.onabort = () => reject(signal?.reason);
      request.onloadend = () => signal?.removeEventListener('abort', abort);
      if (signal?.aborted) return reject(signal.reason);
      signal?.addEventListener('abort', abort);
      request.send(body as XMLHttpRequestBodyInit);
    });
}

function readResponse(request: XMLHttpRequest): Response {
  const lines = request.getAllResponseHeaders().trim().split(/[\r\n]+/);
  const headers = new Headers(lines.map((line): [string, string] => {
    const [name = '', ...value] = line.split(': ');
    return [name, value.join(': ')];
  }));
  return new Response(request.response, { status: request.status, statusText: request.statusText, headers });
}

function countBytes(fetch: Transport, onProgress: (progress: Progress) => void): Transport {
  return async (url, init) => {
    const encoded = new Response(init.body);
    const headers = new Headers(init.headers);
    headers.set('Content-Type', encoded.headers.get('Content-Type') ?? '');
    const total = measure(init.body as FormData);
    let loaded = 0;
    const counter = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        controller.enqueue(chunk);
        loaded += chunk.byteLength;
        onProgress({ loaded: Math.min(loaded, total), total });
      },
    });
    const body = encoded.body?.pipeThrough(counter) ?? null;
    return fetch(url, { ...init, headers, body, duplex: 'half' } as RequestInit);
  };
}

/** The size of the files; what stands around them is little, and differs from sender to sender. */
function measure(form: FormData): number {
  return [...form.values()].reduce((sum, value) => sum + (typeof value === 'string' ? 0 : value.size), 0);
}
