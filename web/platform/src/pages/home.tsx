import { PageHeader } from "../components/page-header";

const Page = () => <PageHeader title="home" />;

export default Page;
