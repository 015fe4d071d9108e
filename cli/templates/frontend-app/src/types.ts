export interface Config {
  topics?: string[];
}

export interface Note {
  topic: string;
  text: string;
}
