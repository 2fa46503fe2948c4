// The teams: clubs by number, each with its own squad. The same number is the same club with the
// same players in every run. Pure.

export const squadSize = 11

/** Club 0, 1, 2 …, without end; the first ones have the shortest names. */
export function clubName(club: number): string {
  const town = towns[club % towns.length] ?? ''
  const form = forms[Math.floor(club / towns.length) % forms.length] ?? ''
  const team = Math.floor(club / (towns.length * forms.length))
  const name = form === '' ? town : `${form} ${town}`
  return team === 0 ? name : `${name} ${team + 1}` // its second team, its third …
}

/**
 * @param shirt 0 to `squadSize` - 1
 * @returns a name that only this club uses, as long as there are enough names
 */
export function playerName(club: number, shirt: number): string {
  const nameCount = firstNames.length * lastNames.length
  const player = club * squadSize + shirt
  // A step coprime to the count visits every name before any repeats.
  const at = (player * nameStep) % nameCount
  const first = firstNames[at % firstNames.length] ?? ''
  const last = lastNames[Math.floor(at / firstNames.length)] ?? ''
  const round = Math.floor(player / nameCount)
  return round === 0 ? `${first} ${last}` : `${first} ${initials[(round - 1) % 26]}. ${last}`
}

const nameStep = 1597
const initials = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const forms = ['', 'FC', 'SC', 'AC', 'SV', 'RC']

// biome-ignore format: one name per line would add nothing
const towns = [
  'Ajax', 'Arsenal', 'Bari', 'Benfica', 'Bergen', 'Celtic', 'Chelsea', 'Dundee', 'Everton', 'Firenze',
  'Genk', 'Hamburg', 'Inter', 'Juve', 'Köln', 'Lens', 'Lyon', 'Málaga', 'Milan', 'Nantes', 'Oviedo',
  'Porto', 'Rangers', 'Roma', 'Santos', 'Sevilla', 'Torino', 'Levante', 'Werder', 'Zürich', 'Aalborg',
  'Basel', 'Cádiz', 'Delft', 'Espoo', 'Fulham', 'Gent', 'Huelva', 'Izmir', 'Jena', 'Kyiv', 'Leeds',
  'Monza', 'Napoli', 'Odense', 'Palermo', 'Reims', 'Siena', 'Tampere', 'Udine', 'Verona', 'Wigan',
  'Xanthi', 'York', 'Zwolle', 'Brest', 'Derby', 'Graz', 'Metz', 'Split', 'Aarhus', 'Bologna', 'Como',
  'Dijon', 'Elche', 'Faro', 'Girona', 'Hull', 'Ipswich', 'Jerez', 'Kassel', 'Luton', 'Murcia', 'Nîmes',
  'Oxford', 'Parma', 'Quimper', 'Rijeka', 'Sparta', 'Trieste', 'Utrecht', 'Vigo', 'Watford', 'Ystad',
  'Zagreb', 'Aveiro', 'Bremen', 'Cremona', 'Dresden', 'Exeter', 'Empoli', 'Foggia', 'Getafe', 'Halle',
  'Ibiza', 'Kiel', 'Lecce', 'Mainz', 'Novara', 'Oslo', 'Pisa', 'Rennes', 'Stoke', 'Turku', 'Ulm',
  'Varna', 'Wismar', 'Angers', 'Burnley', 'Caen', 'Gdynia', 'Ferrara', 'Lugano', 'Hertha', 'Linz',
  'Modena', 'Pescara', 'Rostock', 'Tromsø', 'Vaduz',
]

// biome-ignore format: as above
const firstNames = [
  'Ada', 'Alan', 'Barbara', 'Dennis', 'Edsger', 'Frances', 'Grace', 'Jean', 'John', 'Ken', 'Kurt',
  'Leslie', 'Margaret', 'Nancy', 'Niklaus', 'Radia', 'René', 'Robin', 'Shafi', 'Tony', 'Amal', 'Bruno',
  'Carla', 'Dario', 'Elif', 'Femi', 'Goran', 'Hana', 'Ines', 'Jonas', 'Kofi', 'Lucía', 'Mateo', 'Nadia',
  'Omar', 'Paula', 'Quim', 'Rafael', 'Selma', 'Tariq', 'Uma', 'Viktor', 'Wanda', 'Xavi', 'Yuki', 'Zoë',
  'Anders', 'Beata', 'Cyril', 'Daniela', 'Emil', 'Fatou', 'Gilles', 'Henrik', 'Iris', 'Jorge', 'Karim',
  'Lena', 'Milan', 'Noor',
]

// biome-ignore format: as above
const lastNames = [
  'Adeyemi', 'Bianchi', 'Castro', 'Dubois', 'Eriksen', 'Ferreira', 'Gómez', 'Haugen', 'Ivanov', 'Jansen',
  'Kowalski', 'Lindqvist', 'Müller', 'Nakamura', 'Okafor', 'Park', 'Quist', 'Rossi', 'Silva', 'Traoré',
  'Ueda', 'Vargas', 'Weber', 'Yılmaz', 'Zeman', 'Andrade', 'Bakker', 'Colombo', 'Diallo', 'Engel',
  'Fischer', 'Greco', 'Hansen', 'Ibáñez', 'Jović', 'Keita', 'Larsen', 'Moreau', 'Novák', 'Olsen',
  'Petrov', 'Quiroga', 'Romero', 'Sato', 'Tanaka', 'Urban', 'Vidal', 'Wagner', 'Xhaka', 'Young',
  'Zidan', 'Almeida', 'Berg', 'Costa', 'Demir', 'Essien', 'Fuchs', 'Garcia', 'Holm', 'Ito', 'Jensen',
  'Kone', 'Lopes', 'Mensah', 'Nagy', 'Ortega', 'Popov', 'Ramos', 'Santos', 'Toure', 'Virtanen', 'Wolf',
]
