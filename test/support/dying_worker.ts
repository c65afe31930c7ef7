// A storage worker that opens, and dies when it is asked to commit.
const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<{ call: number; command: { do: string } }>) => void
  postMessage(reply: unknown): void
}

scope.onmessage = ({ data: { call, command } }) => {
  if (command.do === 'open') scope.postMessage({ call, value: 'epoch' })
  else throw new Error('the thread is dying')
}
