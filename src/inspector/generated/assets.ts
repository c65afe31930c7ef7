export const PAGE = ''; export const SCRIPT=''; export const STYLE=''
