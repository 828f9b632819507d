/** Lines of text in columns, the first row a heading. */
export function table(rows: string[][]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('   ');
  return [line(rows[0]), widths.map((width) => '─'.repeat(width)).join('───'), ...rows.slice(1).map(line)].join('\n');
}

export function judged(met: boolean, wanted: string): string {
  return `${wanted} ${met ? 'met' : 'MISSED'}`;
}
